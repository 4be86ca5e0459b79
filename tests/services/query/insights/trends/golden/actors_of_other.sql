-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
-- p4 = ['Chrome', '']
WITH
  counting AS (
    SELECT
      toString(e.properties.`$browser`) AS k0,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i,
      e.person_id AS actor
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  told AS (
    SELECT * REPLACE (if(length(k0) > 400, substringUTF8(k0, 1, 400), k0) AS k0)
    FROM counting
  ),
  of_each AS (
    SELECT actor, bitPositionsToArray(groupBitOr(bitShiftLeft(toUInt64(1), toUInt8(i)))) AS a
    FROM told
    WHERE k0 NOT IN {p4:Array(String)}
    GROUP BY actor
  ),
  active AS (
    SELECT arrayJoin(a) AS i
    FROM of_each
  )
SELECT i, count() AS number
FROM active
GROUP BY i
