-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
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
  numbers AS (
    SELECT k0, i, uniqExact(actor) AS number
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
