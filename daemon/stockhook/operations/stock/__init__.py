"""What a person does to stock, one file for each noun of it."""
