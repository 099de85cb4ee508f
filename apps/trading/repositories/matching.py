"""The statements that find what a quote trades and that move trailing stops."""

ORDERS_THAT_TRADE = """
SELECT found.id, quote.symbol
  FROM unnest(%s::text[], %s::numeric[], %s::numeric[], %s::numeric[])
    AS quote (symbol, bid, ask, last)
 CROSS JOIN LATERAL (
    SELECT id, created_at FROM trading_order
     WHERE symbol = quote.symbol AND side = 'BUY' AND worst_price >= quote.ask
       AND status IN ('NEW', 'PARTIALLY_FILLED') AND mode = 'PAPER'
       AND (stop_price IS NULL OR triggered_at IS NOT NULL)
    UNION ALL
    SELECT id, created_at FROM trading_order
     WHERE symbol = quote.symbol AND side = 'SELL' AND worst_price <= quote.bid
       AND status IN ('NEW', 'PARTIALLY_FILLED') AND mode = 'PAPER'
       AND (stop_price IS NULL OR triggered_at IS NOT NULL)
    UNION ALL
    SELECT id, created_at FROM trading_order
     WHERE symbol = quote.symbol AND side = 'BUY' AND stop_price <= quote.last
       AND status IN ('NEW', 'PARTIALLY_FILLED') AND mode = 'PAPER'
       AND stop_price IS NOT NULL AND triggered_at IS NULL
    UNION ALL
    SELECT id, created_at FROM trading_order
     WHERE symbol = quote.symbol AND side = 'SELL' AND stop_price >= quote.last
       AND status IN ('NEW', 'PARTIALLY_FILLED') AND mode = 'PAPER'
       AND stop_price IS NOT NULL AND triggered_at IS NULL
 ) AS found
 ORDER BY found.created_at, found.id
"""
# The same figures as apps.trading.domain.orders.trailing_stop works out.
MOVE_TRAILING_STOPS = """
WITH reached AS (
    SELECT found.id, quote.last
      FROM unnest(%s::text[], %s::numeric[]) AS quote (symbol, last)
     CROSS JOIN LATERAL (
        SELECT id FROM trading_order
         WHERE symbol = quote.symbol AND side = 'SELL' AND mark_price < quote.last
           AND status IN ('NEW', 'PARTIALLY_FILLED')
           AND mark_price IS NOT NULL AND triggered_at IS NULL
        UNION ALL
        SELECT id FROM trading_order
         WHERE symbol = quote.symbol AND side = 'BUY' AND mark_price > quote.last
           AND status IN ('NEW', 'PARTIALLY_FILLED')
           AND mark_price IS NOT NULL AND triggered_at IS NULL
      ) AS found
), moved AS (
    SELECT orders.id, reached.last
      FROM trading_order AS orders JOIN reached ON reached.id = orders.id
     WHERE orders.status IN ('NEW', 'PARTIALLY_FILLED') AND orders.triggered_at IS NULL
       AND CASE orders.side WHEN 'SELL' THEN orders.mark_price < reached.last
                            ELSE orders.mark_price > reached.last END
     ORDER BY orders.id
       FOR NO KEY UPDATE OF orders
)
UPDATE trading_order AS orders
   SET mark_price = moved.last,
       stop_price = round(
         moved.last + CASE orders.side WHEN 'SELL' THEN -1 ELSE 1 END
           * coalesce(orders.trail_amount, moved.last * orders.trail_percent / 100), 8)
  FROM moved
 WHERE orders.id = moved.id
"""
