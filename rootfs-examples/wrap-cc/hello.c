#include <stdio.h>

int main(void)
{
	return puts("compiled in a jail") < 0;
}
