/* Calls a compiled formula (../gauss.kf) from C.
 *
 * The points y are the corners of a cube; each weighs 1. Points x move along its diagonal, from the centre outwards. For each the program
 * prints the density (conv), its slope along the diagonal (conv_x) and the nearest corner (nn), and checks the density with a plain loop.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gauss.h"

#define M 6
#define N 8

static void check(const char *function, int32_t status)
{
    if (status != 0) {
        fprintf(stderr, "%s: %s\n", function, gauss_strerror(status));
        exit(1);
    }
}

/* Row i of the sum that gauss_conv computes. */
static double plain_loop(const float *point, const float *y, const float *b, double sigma)
{
    double sum = 0;
    for (int j = 0; j < N; j++) {
        double squared_distance = 0;
        for (int d = 0; d < 3; d++)
            squared_distance += pow((double)point[d] - y[3 * j + d], 2);
        sum += exp(-squared_distance / (sigma * sigma)) * b[j];
    }
    return sum;
}

int main(void)
{
    float x[M][3], y[N][3], b[N], sigma = 0.75f;
    float conv[M], d_conv[M], conv_x[M][3];
    int64_t nn[M];

    for (int i = 0; i < M; i++) {
        for (int d = 0; d < 3; d++)
            x[i][d] = 0.5f + 0.2f * i;
        d_conv[i] = 1;
    }
    for (int j = 0; j < N; j++) {
        for (int d = 0; d < 3; d++)
            y[j][d] = j >> d & 1;
        b[j] = 1;
    }

    check("gauss_conv", gauss_conv(M, N, &x[0][0], &y[0][0], b, &sigma, conv));
    check("gauss_conv_x", gauss_conv_x(M, N, &x[0][0], &y[0][0], b, &sigma, d_conv, &conv_x[0][0]));
    check("gauss_nn", gauss_nn(M, N, &x[0][0], &y[0][0], nn));

    double largest_difference = 0;
    printf("distance from the centre   density     slope   nearest corner\n");
    for (int i = 0; i < M; i++) {
        const float *corner = y[nn[i]];
        double slope = (conv_x[i][0] + conv_x[i][1] + conv_x[i][2]) / sqrt(3);
        printf("%24.3f  %8.5f  %8.5f   (%g, %g, %g)\n", 0.2 * i * sqrt(3), conv[i], slope, corner[0], corner[1], corner[2]);
        largest_difference = fmax(largest_difference, fabs(conv[i] - plain_loop(x[i], &y[0][0], b, sigma)));
    }
    printf("largest difference from a plain loop: %.1e (instruction set: %s)\n", largest_difference, gauss_target());
    return largest_difference < 1e-5 ? 0 : 1;
}
