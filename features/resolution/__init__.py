"""Entity resolution: which records of firms and of people are one and the same, with the evidence of every link."""
