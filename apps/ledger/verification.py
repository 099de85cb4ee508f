"""The SQL that proves the ledger: each query finds rows that should not exist."""

BALANCES = """
SELECT account.id, coalesce(account.owner_id::text, 'firm'), account.kind, account.asset,
       account.balance, coalesce(posted.total, 0)
  FROM ledger_account AS account
  LEFT JOIN (SELECT account_id, sum(amount) AS total FROM ledger_posting GROUP BY account_id)
    AS posted ON posted.account_id = account.id
 WHERE account.balance <> coalesce(posted.total, 0)
 ORDER BY account.id
"""
FLOORS = """
SELECT id, balance, floor FROM ledger_account WHERE balance < floor ORDER BY id
"""
ZERO_SUMS = """
SELECT entry_id, asset, sum(amount)
  FROM ledger_posting GROUP BY entry_id, asset HAVING sum(amount) <> 0
 ORDER BY entry_id, asset
"""
EMPTY_ENTRIES = """
SELECT entry.id FROM ledger_entry AS entry
 WHERE NOT EXISTS (SELECT FROM ledger_posting WHERE entry_id = entry.id)
 ORDER BY entry.id
"""
ASSETS = """
SELECT posting.id, posting.entry_id, posting.asset, account.id, account.asset
  FROM ledger_posting AS posting JOIN ledger_account AS account ON account.id = posting.account_id
 WHERE posting.asset <> account.asset
 ORDER BY posting.id
"""
# The same pre-image as domain.legs.digest.
DIGESTS = """
SELECT entry.id
  FROM ledger_entry AS entry
  JOIN (
    SELECT entry_id, string_agg(line, E'\\n' ORDER BY line COLLATE "C") AS lines
      FROM (
        SELECT posting.entry_id,
               coalesce(account.owner_id::text, '') || '|' || account.kind || '|'
               || account.asset || '|' || posting.amount::numeric(38, 8)::text AS line
          FROM ledger_posting AS posting
          JOIN ledger_account AS account ON account.id = posting.account_id
      ) AS posted
     GROUP BY entry_id
  ) AS image ON image.entry_id = entry.id
 WHERE entry.digest
       <> encode(sha256(convert_to(entry.kind || E'\\n' || image.lines, 'UTF8')), 'hex')
 ORDER BY entry.id
"""

CHECKS = (
    (BALANCES, "account {0} ({1} {2} {3}): balance {4}, its postings sum to {5}"),
    (FLOORS, "account {0}: balance {1} is below its floor {2}"),
    (ZERO_SUMS, "entry {0}: its postings in {1} sum to {2}, not to zero"),
    (EMPTY_ENTRIES, "entry {0}: it has no postings"),
    (ASSETS, "posting {0} of entry {1}: asset {2}, but account {3} holds {4}"),
    (DIGESTS, "entry {0}: its postings or its kind differ from its digest"),
)
