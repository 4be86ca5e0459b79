-- p0 = 1706745600000000
-- p1 = 1707004799999999
-- p2 = $pageview
-- p3 = paid
-- p4 = 1
WITH
  counting AS (
    SELECT
      toString(e.properties.`$browser`) AS k0,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p0:Int64}, 86400000000) AS i,
      e.person_id AS actor,
      e.timestamp AS at,
      ((e.event = {p2:String}) AND ((ifNull(e.properties.`plan`.:String = {p3:String}, 0)))) AS passes,
      UUIDToNum(e.uuid) AS id
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp <= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      (e.event = {p2:String})
  ),
  firsts AS (
    SELECT actor, argMinIf(tuple(k0, i), (at, id), passes) AS found
    FROM counting
    GROUP BY actor
    HAVING min(at) >= fromUnixTimestamp64Micro({p0:Int64}, 'UTC') AND max(passes) AND minIf(at, passes) = min(at)
  ),
  by_value AS (
    SELECT k0, i, count() AS number
    FROM (
      SELECT found.1 AS k0, found.2 AS i
      FROM firsts
    )
    GROUP BY k0, i
  ),
  told AS (
    SELECT * REPLACE (if(length(k0) > 400, substringUTF8(k0, 1, 400), k0) AS k0)
    FROM by_value
  ),
  numbers AS (
    SELECT k0, i, sum(number) AS number
    FROM told
    GROUP BY k0, i
  ),
  kept AS (
    SELECT k0, groupArray((i, number)) AS points
    FROM numbers
    GROUP BY k0
    ORDER BY k0 = '', sum(number) DESC, k0
    LIMIT 10000
  )
SELECT k0, point.1 AS i, point.2 AS number
FROM kept
ARRAY JOIN points AS point
