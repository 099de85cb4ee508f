"""The live venue Alpaca: its documented REST and stream protocol, spoken by a client of our own."""
