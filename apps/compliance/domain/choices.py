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
FREQUENCIES = (
    ("ONCE", "Once"),
    ("YEARLY", "A few times a year"),
    ("MONTHLY", "Every month"),
    ("WEEKLY", "Every week"),
    ("DAILY", "Every day"),
)
TRADE_BANDS = (
    ("UNDER_5", "Under 5 a month"),
    ("5_50", "5 to 50 a month"),
    ("50_500", "50 to 500 a month"),
    ("OVER_500", "Over 500 a month"),
)
CURRENCIES = tuple((code, code) for code in ("USD", "EUR", "GBP", "CHF", "JPY", "OTHER"))
WEALTH_SOURCES = (
    ("WORK", "Earned by work"),
    ("INVESTMENTS", "Gains on investments"),
    ("PROPERTY", "Property"),
    ("BUSINESS", "Building or selling a business"),
    ("INHERITANCE", "Inheritance or divorce"),
    ("GIFT", "Gift or prize"),
    ("CRYPTO", "Crypto assets"),
    ("OTHER", "Other"),
)
EXPERIENCE = (
    ("NONE", "None"),
    ("BASIC", "I have held shares or funds"),
    ("EXPERIENCED", "I trade regularly"),
    ("PROFESSIONAL", "I work or worked in finance"),
)
# Reasons of the Common Reporting Standard (OECD, self-certification forms).
NO_TIN = (
    ("A", "A: the country issues none to its residents"),
    ("B", "B: it cannot be obtained"),
    ("C", "C: the country does not require it to be collected"),
)
LEGAL_FORMS = (
    ("COMPANY", "Company"),
    ("PARTNERSHIP", "Partnership"),
    ("TRUST", "Trust"),
    ("FOUNDATION", "Foundation"),
    ("OTHER", "Other"),
)
# Who need not be followed further: 31 CFR 1010.230(e)(2); Regulation (EU) 2024/1624, Article 65.
EXEMPTIONS = (
    ("NONE", "No"),
    ("LISTED", "Yes: listed on a regulated market"),
    ("REGULATED", "Yes: a supervised financial institution"),
    ("PUBLIC_BODY", "Yes: a public body"),
    ("WIDELY_HELD", "Yes: widely held, nobody else reaches 25 %"),
)
ENTITY_FUND_SOURCES = (
    ("BUSINESS", "Income of the business"),
    ("CAPITAL", "Capital paid in by the owners"),
    ("INVESTMENTS", "Investments"),
    ("LOAN", "Loans"),
    ("PROPERTY_SALE", "Sale of property or of a business"),
    ("GIFT", "Grants or donations"),
    ("CRYPTO", "Crypto assets"),
    ("OTHER", "Other"),
)
ENTITY_WEALTH_SOURCES = (
    ("BUSINESS", "Retained profits"),
    ("CAPITAL", "Capital of the owners"),
    ("INVESTMENTS", "Gains on investments"),
    ("PROPERTY", "Property"),
    ("INHERITANCE", "Assets settled or endowed"),
    ("CRYPTO", "Crypto assets"),
    ("OTHER", "Other"),
)
ENTITY_BANDS = (
    ("UNDER_1M", "Under 1,000,000 USD"),
    ("1M_10M", "1,000,000 to 10,000,000 USD"),
    ("10M_100M", "10,000,000 to 100,000,000 USD"),
    ("OVER_100M", "Over 100,000,000 USD"),
)
# Types of the Common Reporting Standard, section VIII.
CRS_TYPES = (
    ("FI_INVESTMENT", "Financial institution: investment entity"),
    ("FI_OTHER", "Financial institution: bank, custodian or insurer"),
    ("ACTIVE_NFE_LISTED", "Active NFE: listed, or related to a listed company"),
    ("ACTIVE_NFE_PUBLIC", "Active NFE: government or international organisation"),
    ("ACTIVE_NFE", "Active NFE: other"),
    ("PASSIVE_NFE", "Passive NFE"),
)
FATCA_STATUSES = (
    ("US_PERSON", "US person"),
    ("PARTICIPATING_FFI", "Participating or reporting foreign financial institution"),
    ("EXEMPT_FFI", "Deemed-compliant or exempt institution"),
    ("ACTIVE_NFFE", "Active NFFE"),
    ("PASSIVE_NFFE", "Passive NFFE"),
)
W9_CLASSES = (
    ("C_CORPORATION", "C corporation"),
    ("S_CORPORATION", "S corporation"),
    ("PARTNERSHIP", "Partnership"),
    ("TRUST_ESTATE", "Trust or estate"),
    ("LLC", "Limited liability company"),
    ("OTHER", "Other"),
)
