-- p0 = 1706313600000000
-- p1 = 1706918400000000
-- p2 = $pageview
-- p3 = 1
-- p4 = 1706227200000000
-- p5 = 1707004799999999
-- p6 = 100
-- p7 = 0
WITH
  counting AS (
    SELECT e.person_id AS actor, e.timestamp AS at
    FROM events AS e
    WHERE
      e.team_id = {p3:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      (e.event = {p2:String})
  ),
  actors AS (
    SELECT actor, count() AS events
    FROM counting
    WHERE
      at >= fromUnixTimestamp64Micro({p0:Int64}, 'UTC') AND
      at < fromUnixTimestamp64Micro({p1:Int64}, 'UTC')
    GROUP BY actor
  )
SELECT toString(actor) AS id, events
FROM actors
ORDER BY events DESC, id
LIMIT {p6:UInt64} OFFSET {p7:UInt64}
