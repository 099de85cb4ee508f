"""The tables of trading, under the one name that Django looks for."""

from apps.trading.models.batch import BatchLine, OrderBatch, TargetAllocation
from apps.trading.models.cancel_run import CancelRun
from apps.trading.models.cash_transfer import CashTransfer
from apps.trading.models.charge import AccrualDay, Charge, ChargeAccrual, ChargeRate
from apps.trading.models.conversion import Conversion
from apps.trading.models.corporate_action import CorporateAction, Entitlement
from apps.trading.models.execution import Execution
from apps.trading.models.firm_switch import FirmSwitch
from apps.trading.models.limit import TradingLimit
from apps.trading.models.lot import Lot, LotConsumption
from apps.trading.models.order import Order
from apps.trading.models.order_refusal import OrderRefusal
from apps.trading.models.plan import InvestmentPlan, PlanRun
from apps.trading.models.portfolio import Portfolio
from apps.trading.models.portfolio_transfer import PortfolioTransfer, ValueFlow
from apps.trading.models.position_import import ImportedLot, PositionImport
from apps.trading.models.replacement import Replacement
from apps.trading.models.restriction import Restriction
from apps.trading.models.venue import VenueAccount, VenueDifference, VenueFill, VenueInstruction

__all__ = [
    "AccrualDay",
    "BatchLine",
    "CancelRun",
    "CashTransfer",
    "Charge",
    "ChargeAccrual",
    "ChargeRate",
    "Conversion",
    "CorporateAction",
    "Entitlement",
    "Execution",
    "FirmSwitch",
    "ImportedLot",
    "InvestmentPlan",
    "Lot",
    "LotConsumption",
    "Order",
    "OrderBatch",
    "OrderRefusal",
    "PlanRun",
    "Portfolio",
    "PortfolioTransfer",
    "PositionImport",
    "Replacement",
    "Restriction",
    "TargetAllocation",
    "TradingLimit",
    "ValueFlow",
    "VenueAccount",
    "VenueDifference",
    "VenueFill",
    "VenueInstruction",
]
