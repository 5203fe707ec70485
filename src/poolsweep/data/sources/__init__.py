"""Where labelled texts come from, one file each: every source returns ``Splits``."""
