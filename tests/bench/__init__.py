"""What `make bench` measures, each as a ratio within one run on one machine."""
