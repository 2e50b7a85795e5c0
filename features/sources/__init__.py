"""Sample declarations, one for each kind of system: copy one, and put in the address and the headings of one's own."""
