"""A broker's CSV: the file, then which of its columns is what."""

from typing import Any

from django import forms

from apps.portal.forms.fields import AccessibleForm
from apps.portal.forms.tokens import TOKEN_LENGTH
from apps.trading.domain.imports import (
    MAX_BYTES,
    Column,
    ColumnMapping,
    DateOrder,
    DecimalSign,
    Table,
)

NONE = "none"
COLUMNS = {
    Column.SYMBOL: "Symbol",
    Column.QUANTITY: "Quantity",
    Column.ACQUIRED: "Day of purchase",
    Column.COST: "Cost of all units",
    Column.PRICE: "or cost of one unit",
}
DATES = {
    DateOrder.YMD: "2024-12-31",
    DateOrder.DMY: "31.12.2024, day first",
    DateOrder.MDY: "12/31/2024, month first",
}
DECIMALS = {DecimalSign.POINT: "1,250.50", DecimalSign.COMMA: "1.250,50"}


class ImportFileForm(AccessibleForm):
    file = forms.FileField(
        label="CSV file of your broker",
        max_length=200,
        help_text="At most 500 rows and 200 kB: symbol, quantity, day of purchase, cost.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv"}),
    )


class ImportForm(AccessibleForm):
    """The mapping, with the text that it is for; neither is kept before the import."""

    text = forms.CharField(max_length=MAX_BYTES, strip=False, widget=forms.Textarea)
    key = forms.CharField(max_length=TOKEN_LENGTH, widget=forms.HiddenInput)

    def __init__(self, *args: Any, table: Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (str(place), name or f"Column {place + 1}") for place, name in enumerate(table.header)
        ]
        for column, label in COLUMNS.items():
            self.fields[column.value] = forms.ChoiceField(
                label=label, choices=[(NONE, "none"), *choices]
            )
        self.fields["dates"] = forms.ChoiceField(label="Days look like", choices=[*DATES.items()])
        self.fields["decimals"] = forms.ChoiceField(
            label="Numbers look like", choices=[*DECIMALS.items()]
        )

    @property
    def choices(self) -> list[forms.BoundField]:
        """The fields that the client sees."""
        return [field for field in self if field.name not in {"text", "key"}]

    def mapping(self) -> ColumnMapping:
        data = self.cleaned_data
        columns = {one: int(data[one.value]) for one in Column if data[one.value] != NONE}
        return ColumnMapping(columns, DateOrder(data["dates"]), DecimalSign(data["decimals"]))


def initial_of(mapping: ColumnMapping) -> dict[str, str]:
    """Return what the form shows of a guessed mapping."""
    places = {one.value: str(mapping.columns.get(one, NONE)) for one in Column}
    return {**places, "dates": mapping.dates.value, "decimals": mapping.decimals.value}
