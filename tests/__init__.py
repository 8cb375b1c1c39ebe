"""unit/ mirrors the code; functional/ goes through the real app; contract/ keeps promises; browser/ drives one."""
