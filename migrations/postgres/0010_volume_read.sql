-- A feed of a condition counts as read at its planned volume only if it was told as far as that
-- volume goes: whatever is in planned_volume was traded before volume_at, and a unit of holders has
-- told its feed up to the second `reached`.
ALTER TABLE work_unit ADD COLUMN volume_at timestamptz;
