-- p0 = 5120000511
-- p1 = 1704067199999999
-- p2 = ['A', 'B', 'C']
-- p3 = [8, 12, 16]
-- p4 = 1
-- p5 = 1704067200000000
-- p6 = 1735689599000000
-- p7 = [1, 2678400000001, … 12 in all …, 28944000000001]
-- p8 = 31622389000001
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      toUInt64(0) AS exclusions,
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0)) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND
      (e.event IN {p2:Array(String)})
  ),
  packed AS (
    SELECT actor, bitShiftLeft(t, 9) + steps + exclusions AS x
    FROM entering
  ),
  arrays AS (
    SELECT actor, arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  starts AS (
    SELECT
      actor,
      arrayFilter(s -> s.1 > 0, arrayMap((x, d_from, d_to) -> (if(bitAnd(x, 508) = toUInt64(8), bitShiftRight(x, 9), 0), 1, d_to > 0 AND d_to - bitAnd(x, 18446744073709551104) <= {p0:UInt64}), a, a, arrayShiftLeft(arrayReverseFill(d -> d > 0, arrayMap((x, d) -> if(bitAnd(x, 508) = 12 AND d > 0, d, 0), a, arrayShiftLeft(arrayReverseFill(d -> d > 0, arrayMap((x, d) -> if(bitAnd(x, 508) = 16 AND d > 0, d, 0), a, a)), 1))), 1))) AS starts
    FROM arrays
  ),
  entries AS (
    SELECT
      actor,
      arrayJoin(starts) AS s,
      roundDown(toUInt64(s.1), {p7:Array(UInt64)}) AS period,
      s.2 AS enters,
      s.3 AS converts,
      s.1 AS since
    FROM starts
  ),
  cells AS (
    SELECT actor, period, max(enters) AS entered, max(converts) AS converted, max(since) AS newest
    FROM entries
    GROUP BY actor, period
    HAVING entered
  )
SELECT
  period,
  count() AS entries,
  countIf(converted) AS conversions,
  countIf(NOT converted AND newest > {p8:UInt64}) AS open
FROM cells
GROUP BY period
ORDER BY period
