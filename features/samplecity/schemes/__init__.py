"""What is planted in the sample city: schemes to be found, and honest look-alikes that must not be accused."""
