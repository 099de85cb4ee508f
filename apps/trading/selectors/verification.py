"""The proof that positions agree with the ledger, run by `manage.py ledger_verify`."""

from collections.abc import Iterator

from django.db import connection

# Units per portfolio and symbol as three witnesses tell it: the ledger's accounts, the open lots,
# and all executions; and what open orders hold against what the ledger holds for them.
UNITS = """
WITH ledger AS (
    SELECT account.owner_id AS portfolio_id, account.asset AS symbol, sum(account.balance) AS units
      FROM ledger_account AS account
      JOIN trading_portfolio AS portfolio ON portfolio.id = account.owner_id
     WHERE account.kind IN ('SECURITIES', 'HELD') AND account.asset <> portfolio.currency
     GROUP BY 1, 2
), lots AS (
    SELECT portfolio_id, symbol, sum(remaining_quantity) AS units FROM trading_lot GROUP BY 1, 2
), executions AS (
    SELECT portfolio_id, symbol,
           sum(CASE side WHEN 'BUY' THEN quantity ELSE -quantity END) AS units
      FROM trading_execution GROUP BY 1, 2
)
SELECT portfolio_id, symbol, coalesce(ledger.units, 0), coalesce(lots.units, 0),
       coalesce(executions.units, 0)
  FROM ledger
  FULL JOIN lots USING (portfolio_id, symbol)
  FULL JOIN executions USING (portfolio_id, symbol)
 WHERE coalesce(ledger.units, 0) <> coalesce(lots.units, 0)
    OR coalesce(lots.units, 0) <> coalesce(executions.units, 0)
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
    (UNITS, "portfolio {0} {1}: the ledger has {2} units, lots {3}, executions {4}"),
    (ORDERS, "order {0}: filled {1}, its executions {2}; fees {3}, its executions {4}"),
    (HOLDS, "order {0}: holds {1}, the ledger holds {2} for it"),
)


def position_differences() -> Iterator[str]:
    """Yield, in words, each position or order that the ledger, lots and executions tell apart."""
    with connection.cursor() as cursor:
        for query, sentence in CHECKS:
            cursor.execute(query)
            yield from (sentence.format(*row) for row in cursor.fetchall())
