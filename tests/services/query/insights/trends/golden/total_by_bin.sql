-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
-- p4 = [0.0, 5.0]
-- p5 = ['[0,5]', '[5,10.01]']
WITH
  counting AS (
    SELECT
      if(e.properties.`price`.:String IS NULL, coalesce(e.properties.`price`.:Float64, toFloat64(e.properties.`price`.:Int64)), ifNotFinite(toFloat64OrNull(e.properties.`price`.:String), NULL)) AS k0,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  by_value AS (
    SELECT k0, i, count() AS number
    FROM counting
    GROUP BY k0, i
  ),
  told AS (
    SELECT * REPLACE (if(isNull(k0), '', arrayElement({p5:Array(String)}, arrayCount(low -> low <= assumeNotNull(k0), {p4:Array(Float64)}))) AS k0)
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
