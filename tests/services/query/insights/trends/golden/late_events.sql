-- p0 = [1706832000000000, 1706918400000000, 1707004800000000]
-- p1 = ['Chrome']
-- p2 = $pageview
-- p3 = 1706745600000000
-- p4 = 1
-- p5 = 1707004799999999
WITH
  counting AS (
    SELECT
      toString(e.properties.`$browser`) AS k0,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p3:Int64}, 86400000000) AS i,
      e.timestamp AS at,
      e.inserted_at AS arrived
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      (e.event = {p2:String})
  ),
  told AS (
    SELECT * REPLACE (if(length(k0) > 400, substringUTF8(k0, 1, 400), k0) AS k0)
    FROM counting
  ),
  late AS (
    SELECT i, indexOf({p1:Array(String)}, k0) AS place
    FROM told
    WHERE
      arrived > at + toIntervalSecond(3600) AND
      toUnixTimestamp64Micro(arrived) > arrayElement({p0:Array(Int64)}, i + 1) + 3600000000
  )
SELECT place, i, count() AS number
FROM late
GROUP BY place, i
