/* Headers of two libraries in one file, each twice, beside names that a program is likely to have. */
#define max(a, b) ((a) > (b) ? (a) : (b))
#include "gauss.h"
#include "other.h"
#include "gauss.h"
#include "other.h"

int main(void)
{
    return (gauss_strerror(0) && other_strerror(0) && keops_module_v1()) ? 0 : 1;
}
