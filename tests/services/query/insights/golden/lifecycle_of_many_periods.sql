-- p0 = 1706742000000000
-- p1 = 1
-- p2 = 1707695999999999
-- p3 = false
-- p4 = $pageview
-- p5 = 1706745600000000
WITH
  counting AS (
    SELECT
      e.person_id AS actor,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p0:Int64}, 3600000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p1:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p0:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      (NOT (ifNull(e.properties.`$process_person_profile`.:String = {p3:String}, 0) OR ifNull(e.properties.`$process_person_profile`.:Bool = false, 0))) AND
      (e.event = {p4:String})
  ),
  periods AS (
    SELECT actor, arraySort(groupUniqArray(toUInt16(i))) AS active
    FROM counting
    GROUP BY actor
  ),
  known AS (
    SELECT t.person_id AS id, t.created_at AS since
    FROM persons AS t FINAL
    WHERE t.team_id = {p1:Int64} AND NOT t.deleted
  ),
  first_seen AS (
    SELECT id, toUInt32(intDiv(toUnixTimestamp64Micro(since) - {p0:Int64}, 3600000000)) AS seen
    FROM known
    WHERE
      since >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      since <= fromUnixTimestamp64Micro({p2:Int64}, 'UTC')
  ),
  active AS (
    SELECT periods.actor AS actor, periods.active AS active, records.seen AS seen
    FROM periods AS periods
    LEFT ANY JOIN first_seen AS records ON periods.actor = records.id
  ),
  cells AS (
    SELECT arrayJoin(arrayFilter(cell -> cell.1 != 4 AND cell.2 BETWEEN 1 AND 264, arrayConcat(arrayMap((x, before) -> (multiIf(x = seen, 0, before + 1 = x, 1, 2), toUInt32(x)), active, arrayShiftRight(active, 1, 65535)), arrayMap((x, after) -> (if(after = x + 1, 4, 3), toUInt32(x + 1)), active, arrayShiftLeft(active, 1, 65535))))) AS cell
    FROM active
  ),
  each AS (
    SELECT cell.1 AS status, cell.2 - 1 AS period
    FROM cells
  )
SELECT status, period, count() AS actors
FROM each
GROUP BY status, period
