-- p0 = 1706659200000000
-- p1 = 1
-- p2 = 1707004799999999
-- p3 = $pageview
-- p4 = 0
-- p5 = 1706745600000000
WITH
  counting AS (
    SELECT
      e.group_0 AS actor,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p0:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p1:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p0:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      (e.event = {p3:String}) AND
      (e.group_0 != '')
  ),
  folded AS (
    SELECT actor, groupBitOr(bitShiftLeft(toUInt64(1), toUInt8(i))) AS mask
    FROM counting
    GROUP BY actor
  ),
  periods AS (
    SELECT actor, bitPositionsToArray(mask) AS active
    FROM folded
  ),
  described AS (
    -- computed at each mention
    SELECT t.group_key AS id, t.created_at AS since
    FROM groups AS t FINAL
    WHERE t.team_id = {p1:Int64} AND t.group_type_index = {p4:UInt8}
  ),
  named AS (
    SELECT e.group_0 AS id, e.timestamp AS at
    FROM events AS e
    WHERE
      e.team_id = {p1:Int64} AND
      e.group_0 != '' AND
      e.group_0 NOT IN (
        SELECT id
        FROM described
      )
  ),
  known AS (
    SELECT id, since
    FROM described
    UNION ALL
    SELECT id, min(at) AS since
    FROM named
    GROUP BY id
  ),
  first_seen AS (
    SELECT id, toUInt32(intDiv(toUnixTimestamp64Micro(since) - {p0:Int64}, 86400000000)) AS seen
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
    SELECT arrayJoin(arrayFilter(cell -> cell.1 != 4 AND cell.2 BETWEEN 1 AND 3, arrayConcat(arrayMap((x, before) -> (multiIf(x = seen, 0, before + 1 = x, 1, 2), toUInt32(x)), active, arrayShiftRight(active, 1, 65535)), arrayMap((x, after) -> (if(after = x + 1, 4, 3), toUInt32(x + 1)), active, arrayShiftLeft(active, 1, 65535))))) AS cell
    FROM active
  ),
  each AS (
    SELECT cell.1 AS status, cell.2 - 1 AS period
    FROM cells
  )
SELECT status, period, count() AS actors
FROM each
GROUP BY status, period
