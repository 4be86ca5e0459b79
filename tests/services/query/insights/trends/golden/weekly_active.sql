-- p0 = $pageview
-- p1 = UTC
-- p2 = 1
-- p3 = 1706227200000000
-- p4 = 1707004799999999
WITH
  counting AS (
    SELECT toInt32(toDate32(e.timestamp, {p1:String})) - 19748 AS i, e.person_id AS actor
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  masks AS (
    SELECT actor, groupBitOr(bitShiftLeft(toUInt64(1), toUInt8(i))) AS m
    FROM counting
    GROUP BY actor
  ),
  smeared AS (
    SELECT bitOr(m, bitShiftLeft(m, 1)) AS m
    FROM masks
  ),
  smeared_2 AS (
    SELECT bitOr(m, bitShiftLeft(m, 2)) AS m
    FROM smeared
  ),
  smeared_3 AS (
    SELECT bitOr(m, bitShiftLeft(m, 3)) AS m
    FROM smeared_2
  ),
  edges AS (
    SELECT arrayJoin([(bitAnd(m, bitNot(bitShiftLeft(m, 1))), 1), (bitAnd(bitShiftLeft(m, 1), bitNot(m)), -1)]) AS edge
    FROM smeared_3
  ),
  changes AS (
    SELECT arrayJoin(bitPositionsToArray(edge.1)) AS i, edge.2 AS change
    FROM edges
  )
SELECT i, sum(change) AS number
FROM changes
GROUP BY i
