package read_test

func childMain() bool { return false }
