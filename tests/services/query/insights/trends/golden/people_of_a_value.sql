-- p0 = Chrome
-- p1 = 1
-- p2 = $pageview
-- p3 = 1706745600000000
-- p4 = 1707004799999999
-- p5 = 100
-- p6 = 0
WITH
  counting AS (
    SELECT
      toString(e.properties.`$browser`) AS k0,
      e.person_id AS actor,
      e.timestamp AS at,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p3:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p1:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (e.event = {p2:String})
  ),
  told AS (
    SELECT * REPLACE (if(length(k0) > 400, substringUTF8(k0, 1, 400), k0) AS k0)
    FROM counting
  ),
  actors AS (
    SELECT actor, count() AS events
    FROM told
    WHERE k0 = {p0:String} AND i = {p1:Int64}
    GROUP BY actor
  )
SELECT toString(actor) AS id, events
FROM actors
ORDER BY events DESC, id
LIMIT {p5:UInt64} OFFSET {p6:UInt64}
