"""The answers that the questionnaire offers, as (code, label) pairs."""

INCOME_BANDS = (
    ("UNDER_25K", "Under 25,000 USD"),
    ("25K_100K", "25,000 to 100,000 USD"),
    ("100K_250K", "100,000 to 250,000 USD"),
    ("250K_1M", "250,000 to 1,000,000 USD"),
    ("OVER_1M", "Over 1,000,000 USD"),
)
ACTIVITY_BANDS = (
    ("UNDER_5K", "Under 5,000 USD a month"),
    ("5K_25K", "5,000 to 25,000 USD a month"),
    ("25K_100K", "25,000 to 100,000 USD a month"),
    ("OVER_100K", "Over 100,000 USD a month"),
)
FUND_SOURCES = (
    ("SALARY", "Salary or pension"),
    ("SAVINGS", "Savings"),
    ("INVESTMENTS", "Investments"),
    ("PROPERTY_SALE", "Sale of property"),
    ("INHERITANCE", "Inheritance"),
    ("BUSINESS", "Income or sale of a business"),
    ("GIFT", "Gift"),
    ("CRYPTO", "Crypto assets"),
    ("OTHER", "Other"),
)
EMPLOYMENT = (
    ("EMPLOYED", "Employed"),
    ("SELF_EMPLOYED", "Self-employed"),
    ("RETIRED", "Retired"),
    ("STUDENT", "Student"),
    ("NOT_WORKING", "Not working"),
)
INDUSTRIES = (
    ("EDUCATION", "Education or research"),
    ("FINANCE", "Finance"),
    ("HEALTH", "Health"),
    ("TECHNOLOGY", "Technology"),
    ("MANUFACTURING", "Manufacturing"),
    ("PUBLIC", "Public administration"),
    ("LEGAL", "Law or accountancy"),
    ("REAL_ESTATE", "Real estate"),
    ("CASH_INTENSIVE", "Restaurants, retail or another cash business"),
    ("PRECIOUS_GOODS", "Precious metals, stones or art"),
    ("GAMBLING", "Gambling"),
    ("ARMS", "Arms or defence"),
    ("CRYPTO", "Crypto assets"),
    ("OTHER", "Other"),
)
PEP = (
    ("NONE", "No"),
    ("SELF", "Yes, I hold or held a prominent public function"),
    ("RELATED", "Yes, a relative or close associate does or did"),
)
PURPOSES = (
    ("GROWTH", "Long-term growth"),
    ("INCOME", "Income"),
    ("RETIREMENT", "Retirement"),
    ("TRADING", "Active trading"),
)
