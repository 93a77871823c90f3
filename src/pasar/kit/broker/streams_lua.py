"""
The steps of the Streams adapter that must happen at once, as Lua.

Keys, all with one hash tag per topic and so in one slot: `channels` (set), `backlog` (list, what
came before any channel), `stream:<channel>` (stream with the one group `w`), `later:<channel>`
(sorted set by due time in ms). An entry has the fields id, at (ms), attempts, body, always in this
order; packed, it is that list. No MAXLEN anywhere: trimming is loss.
"""

from typing import Final

_NOW_MS: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# KEYS channels, backlog, stream; ARGV channel. Told by `pcall`: the group exists already.
DECLARE: Final = """
redis.call('SADD', KEYS[1], ARGV[1])
redis.pcall('XGROUP', 'CREATE', KEYS[3], 'w', '0', 'MKSTREAM')
local packed = redis.call('LPOP', KEYS[2])
while packed do
  redis.call('XADD', KEYS[3], '*', unpack(cmsgpack.unpack(packed)))
  packed = redis.call('LPOP', KEYS[2])
end
"""

# KEYS channels, backlog; ARGV what precedes a channel's name in its stream's key, then id and body
# of each message. A copy per channel: in a shared stream an entry could go only when all have it.
PUBLISH: Final = f"""
{_NOW_MS}
local channels = redis.call('SMEMBERS', KEYS[1])
for i = 2, #ARGV, 2 do
  local entry = {{'id', ARGV[i], 'at', now, 'attempts', 1, 'body', ARGV[i + 1]}}
  if #channels == 0 then redis.call('RPUSH', KEYS[2], cmsgpack.pack(entry)) end
  for _, channel in ipairs(channels) do
    redis.call('XADD', ARGV[1] .. channel, '*', unpack(entry))
  end
end
"""

# KEYS stream; ARGV entry. 1, or 0 when stale. An acknowledged entry vanishes.
ACK: Final = """
if redis.call('XACK', KEYS[1], 'w', ARGV[1]) == 0 then return 0 end
return redis.call('XDEL', KEYS[1], ARGV[1])
"""

# KEYS stream, later; ARGV entry, delay in ms. 1, or 0 when stale.
REQUEUE: Final = f"""
{_NOW_MS}
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if redis.call('XACK', KEYS[1], 'w', ARGV[1]) == 0 then return 0 end
redis.call('XDEL', KEYS[1], ARGV[1])
local entry = found[1][2]
entry[6] = entry[6] + 1
if ARGV[2] == '0' then
  redis.call('XADD', KEYS[1], '*', unpack(entry))
else
  redis.call('ZADD', KEYS[2], now + ARGV[2], cmsgpack.pack(entry))
end
return 1
"""

# KEYS stream; ARGV entry, consumer. 1, or 0 when stale.
TOUCH: Final = """
if #redis.call('XPENDING', KEYS[1], 'w', ARGV[1], ARGV[1], 1, ARGV[2]) == 0 then return 0 end
redis.call('XCLAIM', KEYS[1], 'w', ARGV[2], 0, ARGV[1], 'JUSTID')
return 1
"""

# KEYS stream, later; ARGV consumer, message time-out in ms or 0 to look at due records only, idle
# time in ms after which an empty consumer goes. The ms until the next record is due, or -1.
# What timed out gets a new entry, so that the late holder's acknowledgement finds nothing.
TICK: Final = f"""
{_NOW_MS}
for _, packed in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('XADD', KEYS[1], '*', unpack(cmsgpack.unpack(packed)))
  redis.call('ZREM', KEYS[2], packed)
end
if ARGV[2] ~= '0' then
  local claimed = redis.call('XAUTOCLAIM', KEYS[1], 'w', ARGV[1], ARGV[2], '0-0', 'COUNT', 100)
  for _, found in ipairs(claimed[2]) do
    local entry = found[2]
    entry[6] = entry[6] + 1
    redis.call('XADD', KEYS[1], '*', unpack(entry))
    redis.call('XACK', KEYS[1], 'w', found[1])
    redis.call('XDEL', KEYS[1], found[1])
  end
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'w')) do
    if consumer[4] == 0 and consumer[6] > tonumber(ARGV[3]) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'w', consumer[2])
    end
  end
end
local due = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if #due == 0 then return -1 end
return math.max(0, due[2] - now)
"""

# KEYS channels, backlog, stream, later. Entries in the stream, pending ones, deferred, waiting.
DEPTH: Final = """
if redis.call('EXISTS', KEYS[3]) == 0 then return {0, 0, 0, redis.call('LLEN', KEYS[2])} end
return {redis.call('XLEN', KEYS[3]), redis.call('XPENDING', KEYS[3], 'w')[1],
  redis.call('ZCARD', KEYS[4]), redis.call('LLEN', KEYS[2])}
"""
