-- p0 = 1706745600000000
-- p1 = 1
-- p2 = 1707004799999999
-- p3 = $pageview
-- p4 = 2
-- p5 = 100
-- p6 = 0
WITH
  counting AS (
    SELECT
      e.person_id AS actor,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p0:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p1:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p0:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      (e.event = {p3:String})
  ),
  folded AS (
    SELECT actor, groupBitOr(bitShiftLeft(toUInt64(1), toUInt8(i))) AS mask, count() AS events
    FROM counting
    GROUP BY actor
  ),
  numbers AS (
    SELECT actor, events, bitCount(mask) AS number
    FROM folded
  )
SELECT toString(actor) AS id, events
FROM numbers
WHERE number > 0 AND number = {p4:UInt64}
ORDER BY events DESC, id
LIMIT {p5:UInt64} OFFSET {p6:UInt64}
