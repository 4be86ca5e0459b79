-- p0 = [2]
-- p1 = 1706659200000000
-- p2 = 1
-- p3 = 1707004799999999
-- p4 = false
-- p5 = $pageview
-- p6 = 1706745600000000
-- p7 = 100
-- p8 = 0
WITH
  counting AS (
    SELECT
      e.person_id AS actor,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (NOT (ifNull(e.properties.`$process_person_profile`.:String = {p4:String}, 0) OR ifNull(e.properties.`$process_person_profile`.:Bool = false, 0))) AND
      (e.event = {p5:String})
  ),
  folded AS (
    SELECT actor, arraySort(groupArray(toUInt16(i))) AS a
    FROM counting
    GROUP BY actor
  ),
  periods AS (
    SELECT
      actor,
      arrayFilter((x, before) -> x != before, a, arrayShiftRight(a, 1, 65535)) AS active,
      arrayPopFront(arrayDifference(arrayPushBack(arrayFilter((k, x, before) -> x != before, arrayEnumerate(a), a, arrayShiftRight(a, 1, 65535)), length(a) + 1))) AS counts
    FROM folded
  ),
  known AS (
    SELECT t.person_id AS id, t.created_at AS since
    FROM persons AS t FINAL
    WHERE t.team_id = {p2:Int64} AND NOT t.deleted
  ),
  first_seen AS (
    SELECT id, toUInt32(intDiv(toUnixTimestamp64Micro(since) - {p1:Int64}, 86400000000)) AS seen
    FROM known
    WHERE
      since >= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND
      since <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC')
  ),
  active AS (
    SELECT
      periods.actor AS actor,
      periods.active AS active,
      periods.counts AS counts,
      records.seen AS seen
    FROM periods AS periods
    LEFT ANY JOIN first_seen AS records ON periods.actor = records.id
  ),
  cells AS (
    SELECT
      actor,
      arrayFilter(cell -> has({p0:Array(UInt32)}, cell.2) AND cell.1 = 0, arrayFilter(cell -> cell.1 != 4 AND cell.2 BETWEEN 1 AND 3, arrayConcat(arrayMap((x, c, before) -> (multiIf(x = seen, 0, before + 1 = x, 1, 2), toUInt32(x), c), active, counts, arrayShiftRight(active, 1, 65535)), arrayMap((x, c, after) -> (if(after = x + 1, 4, 3), toUInt32(x + 1), c), active, counts, arrayShiftLeft(active, 1, 65535))))) AS cells
    FROM active
  )
SELECT toString(actor) AS id, arraySum(cell -> cell.3, cells) AS events
FROM cells
WHERE notEmpty(cells)
ORDER BY events DESC, id
LIMIT {p7:UInt64} OFFSET {p8:UInt64}
