-- p0 = 10240001023
-- p1 = 1704067199999999
-- p2 = ['X']
-- p3 = [4]
-- p4 = ['A', 'B', 'C']
-- p5 = [16, 24, 32]
-- p6 = 1
-- p7 = 1704067200000000
-- p8 = 1735689599000000
-- p9 = ['A', 'B', 'C', 'X']
-- p10 = [1, 2678400000001, … 12 in all …, 28944000000001]
-- p11 = 31622389000001
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0)) AS exclusions,
      transform(e.event, {p4:Array(String)}, {p5:Array(UInt64)}, toUInt64(0)) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p6:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p7:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p8:Int64}, 'UTC') AND
      (e.event IN {p9:Array(String)})
  ),
  packed AS (
    SELECT actor, bitShiftLeft(t, 10) + steps + exclusions AS x
    FROM entering
  ),
  arrays AS (
    SELECT actor, arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  starts AS (
    SELECT
      *,
      arrayMap(x -> bitAnd(x, 18446744073709550592), arrayFilter(x -> bitAnd(x, 1016) = toUInt64(16), a)) AS starts,
      arrayMap(s -> roundDown(toUInt64(bitShiftRight(s, 10)), {p10:Array(UInt64)}), starts) AS in_period
    FROM arrays
  ),
  periods AS (
    SELECT
      actor,
      a,
      period,
      0 AS reborn,
      starts[indexOf(in_period, period)] AS since,
      starts[arrayLastIndex(p -> p = period, in_period)] AS until
    FROM starts
    ARRAY JOIN arrayDistinct(in_period) AS period
  ),
  within AS (
    SELECT
      actor,
      period,
      until,
      reborn,
      arrayFilter(x -> x >= since AND x - until <= {p0:UInt64}, a) AS a
    FROM periods
  ),
  folded AS (
    SELECT
      *,
      arrayFold((acc, step, exclusions) -> arrayMap(marked -> (acc.1, arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1), arrayMap((t, c, s) -> multiIf(t = 0 OR t = s, 0, c > 0, 1, 2), arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2), arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked), arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1)), arrayPushBack(acc.4, arrayFirst((kind, x, y) -> kind > 0 AND (y = 0 OR y - bitAnd(x, 18446744073709550592) > {p0:UInt64}), acc.3, acc.1, arrayShiftLeft(arrayReverseFill(y -> y > 0, arrayMap((s, b, x) -> if(s > 0 AND s != b, x, 0), arrayMap((x, f, s) -> if(bitAnd(x, exclusions) != 0 AND x - f <= {p0:UInt64} AND s != f, f, 0), acc.1, acc.2, arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2)), 1)), arrayShiftRight(arrayFill(s -> s > 0, arrayMap((x, f, s) -> if(bitAnd(x, exclusions) != 0 AND x - f <= {p0:UInt64} AND s != f, f, 0), acc.1, acc.2, arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2)), 1))), 1), acc.1)), 1))), arrayPushBack(acc.5, arrayExists(t -> t > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2))), has(arrayMap((t, c, s) -> multiIf(t = 0 OR t = s, 0, c > 0, 1, 2), arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2), arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked), arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1)), 1)), [arrayMap((f, s) -> if(f = s, bitOr(f, f > 0), f), acc.2, arrayFill(e -> e > 0, arrayMap((x, f, s) -> if(bitAnd(x, exclusions) != 0 AND x - f <= {p0:UInt64} AND s != f, f, 0), acc.1, acc.2, arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2)), 1))))])[1], arraySlice([16, 24, 32]::Array(UInt64), 1, 3), [0, 4, 4]::Array(UInt64), (a, arrayMap(x -> if(bitAnd(x, 18446744073709550592) <= until, bitAnd(x, 18446744073709550592), 0), a), arrayMap(x -> toUInt8(0), a), emptyArrayUInt8(), emptyArrayUInt8(), toUInt8(0))) AS acc
    FROM within
  ),
  deepest AS (
    SELECT *, toUInt8(arrayLastIndex(r -> r, acc.5)) AS deepest
    FROM folded
  ),
  marked AS (
    SELECT
      actor,
      period,
      until,
      deepest AS depth,
      if(deepest = 3, 2, acc.4[deepest + 1]) AS mark,
      acc.6 AS converted
    FROM deepest
  ),
  outcomes AS (
    SELECT *, max(NOT converted AND mark = 2) OVER (PARTITION BY actor) AS lost
    FROM marked
  ),
  cells AS (
    SELECT actor, period, converted, toUInt8(1) AS entered, bitShiftRight(until, 10) AS newest
    FROM outcomes
    WHERE (converted OR (depth >= 1 AND mark != 0 AND NOT lost))
  )
SELECT
  period,
  count() AS entries,
  countIf(converted) AS conversions,
  countIf(NOT converted AND newest > {p11:UInt64}) AS open
FROM cells
GROUP BY period
ORDER BY period
