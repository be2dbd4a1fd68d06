"""The same three workloads on other products, each as its users write it; see install.sh."""
