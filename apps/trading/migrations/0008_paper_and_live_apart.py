"""The wall between paper and live, held by the database: foreign keys that carry the mode.

An order has its portfolio's mode; a broker's instruction is about a LIVE order; an execution of the
paper venue belongs to a PAPER order, and one of any other venue to a LIVE one.
"""

from django.db import migrations

WALL = """
ALTER TABLE trading_portfolio ADD CONSTRAINT trading_portfolio_id_mode UNIQUE (id, mode);
ALTER TABLE trading_order ADD CONSTRAINT trading_order_id_mode UNIQUE (id, mode);
ALTER TABLE trading_order ADD CONSTRAINT trading_order_mode_of_portfolio
  FOREIGN KEY (portfolio_id, mode) REFERENCES trading_portfolio (id, mode);
ALTER TABLE trading_venueinstruction ADD CONSTRAINT trading_instruction_of_live_order
  FOREIGN KEY (order_id, mode) REFERENCES trading_order (id, mode);
ALTER TABLE trading_execution ADD COLUMN mode varchar(5) NOT NULL
  GENERATED ALWAYS AS (CASE venue WHEN 'PAPER' THEN 'PAPER' ELSE 'LIVE' END) STORED;
ALTER TABLE trading_execution ADD CONSTRAINT trading_execution_mode_of_order
  FOREIGN KEY (order_id, mode) REFERENCES trading_order (id, mode);
"""
NO_WALL = """
ALTER TABLE trading_execution DROP CONSTRAINT trading_execution_mode_of_order;
ALTER TABLE trading_execution DROP COLUMN mode;
ALTER TABLE trading_venueinstruction DROP CONSTRAINT trading_instruction_of_live_order;
ALTER TABLE trading_order DROP CONSTRAINT trading_order_mode_of_portfolio;
ALTER TABLE trading_order DROP CONSTRAINT trading_order_id_mode;
ALTER TABLE trading_portfolio DROP CONSTRAINT trading_portfolio_id_mode;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0007_firm_limits")]
    operations = [migrations.RunSQL(WALL, NO_WALL)]
