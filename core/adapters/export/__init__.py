"""Results of one measured film in the forms that other systems read."""
