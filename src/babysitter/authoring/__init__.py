"""The author's surface: processes, tasks, and the context through which a process reaches the world."""
