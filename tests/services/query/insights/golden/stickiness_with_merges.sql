-- p0 = 1706745600000000
-- p1 = 1
-- p2 = 1707004799999999
-- p3 = $pageview
WITH
  counting AS (
    SELECT
      if(overrides.target_id = toUUID('00000000-0000-0000-0000-000000000000'), e.person_id, overrides.target_id) AS actor,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p0:Int64}, 86400000000) AS i
    FROM events AS e
    LEFT ANY JOIN (SELECT person_id, argMax(target_id, version) AS target_id FROM person_overrides WHERE team_id = {p1:Int64} GROUP BY person_id) AS overrides ON e.person_id = overrides.person_id
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
SELECT number, 0 AS side, 0 AS place, count() AS actors
FROM numbers
WHERE number > 0
GROUP BY number
