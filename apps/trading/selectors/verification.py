"""The proof that positions agree with the ledger, run by `manage.py ledger_verify`."""

from collections.abc import Iterator

from django.db import connection

from apps.core.domain.money import MINOR_UNITS

# Units per portfolio and symbol as three witnesses tell it: the ledger's accounts, what is left of
# the lots, and all that came and went: executions, and what other entries brought and took.
UNITS = """
WITH ledger AS (
    SELECT account.owner_id AS portfolio_id, account.asset AS symbol, sum(account.balance) AS units
      FROM ledger_account AS account
      JOIN trading_portfolio AS portfolio ON portfolio.id = account.owner_id
     WHERE account.kind IN ('SECURITIES', 'HELD') AND NOT account.asset = ANY (%(currencies)s)
     GROUP BY 1, 2
), lots AS (
    SELECT portfolio_id, symbol, sum(remaining_quantity) AS units FROM trading_lot GROUP BY 1, 2
), moves AS (
    SELECT portfolio_id, symbol,
           CASE side WHEN 'BUY' THEN quantity ELSE -quantity END AS quantity
      FROM trading_execution
     UNION ALL
    SELECT portfolio_id, symbol, quantity FROM trading_lot WHERE execution_id IS NULL
     UNION ALL
    SELECT lot.portfolio_id, lot.symbol, -part.quantity
      FROM trading_lotconsumption AS part JOIN trading_lot AS lot ON lot.id = part.lot_id
     WHERE part.execution_id IS NULL
), history AS (
    SELECT portfolio_id, symbol, sum(quantity) AS units FROM moves GROUP BY 1, 2
)
SELECT portfolio_id, symbol, coalesce(ledger.units, 0), coalesce(lots.units, 0),
       coalesce(history.units, 0)
  FROM ledger
  FULL JOIN lots USING (portfolio_id, symbol)
  FULL JOIN history USING (portfolio_id, symbol)
 WHERE coalesce(ledger.units, 0) <> coalesce(lots.units, 0)
    OR coalesce(lots.units, 0) <> coalesce(history.units, 0)
 ORDER BY 1, 2
"""
# The average method moves cost between the lots of a symbol, so it is compared by symbol.
COSTS = """
SELECT lot.portfolio_id, lot.symbol, sum(lot.remaining_cost),
       sum(lot.cost) - sum(coalesce(part.cost, 0))
  FROM trading_lot AS lot
  LEFT JOIN (
    SELECT lot_id, sum(cost) AS cost FROM trading_lotconsumption GROUP BY 1
  ) AS part ON part.lot_id = lot.id
 GROUP BY 1, 2
HAVING sum(lot.remaining_cost) <> sum(lot.cost) - sum(coalesce(part.cost, 0))
 ORDER BY 1, 2
"""
ORDERS = """
SELECT orders.id, orders.filled_quantity, coalesce(done.units, 0),
       orders.fees, coalesce(done.fees, 0)
  FROM trading_order AS orders
  LEFT JOIN (
    SELECT order_id, sum(quantity) AS units, sum(fees) AS fees FROM trading_execution GROUP BY 1
  ) AS done ON done.order_id = orders.id
 WHERE orders.filled_quantity <> coalesce(done.units, 0) OR orders.fees <> coalesce(done.fees, 0)
 ORDER BY orders.id
"""
# What open orders hold against what the ledger holds for them.
HOLDS = """
WITH wanted AS (
    SELECT orders.id, orders.held_amount, coalesce(sum(posting.amount), 0) AS held
      FROM trading_order AS orders
      LEFT JOIN ledger_entry AS entry ON entry.reference = orders.id::text
      LEFT JOIN (
        ledger_posting AS posting
        JOIN ledger_account AS account ON account.id = posting.account_id AND account.kind = 'HELD'
      ) ON posting.entry_id = entry.id AND account.owner_id = orders.portfolio_id
     GROUP BY orders.id, orders.held_amount
)
SELECT id, held_amount, held FROM wanted WHERE held_amount <> held ORDER BY id
"""
CHECKS = (
    (UNITS, "portfolio {0} {1}: the ledger has {2} units, lots {3}, its trades and moves {4}"),
    (COSTS, "portfolio {0} {1}: its lots cost {2}, what came and went {3}"),
    (ORDERS, "order {0}: filled {1}, its executions {2}; fees {3}, its executions {4}"),
    (HOLDS, "order {0}: holds {1}, the ledger holds {2} for it"),
)


def position_differences() -> Iterator[str]:
    """Yield, in words, each position or order that the ledger, lots and trades tell apart."""
    with connection.cursor() as cursor:
        for query, sentence in CHECKS:
            cursor.execute(query, {"currencies": sorted(MINOR_UNITS)})
            yield from (sentence.format(*row) for row in cursor.fetchall())
