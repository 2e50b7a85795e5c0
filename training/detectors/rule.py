"""The catalogue's declared warning models under the detector contract: the score is the sum of the models that fire."""
