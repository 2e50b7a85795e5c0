"""The sample city: a seeded, invented city to try everything on, with planted schemes and honest look-alikes.

No person, firm or institution in it exists. What was planted is written to a `truth` folder beside the data, for
whoever wants to check the findings; nothing in Gnomon that scores or learns reads that folder.
"""

from features.samplecity.city import Sample, make_city

__all__ = ["Sample", "make_city"]
