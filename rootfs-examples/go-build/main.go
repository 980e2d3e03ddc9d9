package main

func main() { println("built in a jail") }
