# What RKeOps' vignettes compute, beside plain R: kernel interpolation, k-means, nearest neighbours.
source("helpers/helpers.R")
set.seed(7)

# Interpolation: the coefficients a with (K + lambda) a = b, by conjugate gradients.
gaussian_kernel <- function(x, y, sigma = 0.1) exp(-sum((Vi(x) - Vj(y))^2) / (2 * sigma^2))
laplacian_kernel <- function(x, y, sigma = 0.1) exp(-sqrt(sum((Vi(x) - Vj(y))^2)) / sigma)
solve_by_gradients <- function(K, b, lambda, eps = 1e-10) {
  a <- 0 * b
  r <- p <- b
  rest <- sum(r^2)
  while (rest > length(b) * eps^2) {
    product <- K %*% Vj(p) + lambda * p
    a <- a + rest / sum(p * product) * p
    r <- r - rest / sum(p * product) * product
    p <- r + sum(r^2) / rest * p
    rest <- sum(r^2)
  }
  a
}
x <- matrix(runif(300))
b <- x + 0.5 * sin(6 * x) + 0.1 * sin(20 * x) + 0.05 * matrix(runif(300))
plain <- exp(-squared_distances(x, x) / (2 * 0.1^2))
a <- solve_by_gradients(gaussian_kernel(x, x), b, lambda = 1)
close_to(a, solve(plain + diag(300), b), 1e-8)
t <- matrix(seq(0, 1, length.out = 50))
close_to(gaussian_kernel(t, x) %*% Vj(a), exp(-squared_distances(t, x) / (2 * 0.1^2)) %*% a, 1e-11)
x <- matrix(runif(400), 200)
b <- matrix(as.numeric(rowSums((x - 0.5)^2) < 0.1)) + 0.05 * matrix(runif(200))
a <- solve_by_gradients(laplacian_kernel(x, x), b, lambda = 10)
close_to(a, solve(exp(-as.matrix(dist(x)) / 0.1) + diag(10, 200), b), 1e-8)

# k-means, with the formula and with LazyTensors. Numbers of rows count from 0.
x <- matrix(rnorm(600 * 4), 600) + matrix(sample(c(-3, 0, 3), 600, replace = TRUE), 600, 4)
centres <- x[1:5, ]
nearest <- keops_kernel("ArgMin_Reduction(SqDist(x, c), 1)", c("x=Vi(4)", "c=Vj(4)"))
for (step in 1:25) {
  cluster <- drop(nearest(list(x, centres))) + 1
  stopifnot(identical(cluster, drop(argmin(sqdist(Vi(x), Vj(centres)), "j")) + 1))
  centres <- rowsum(x, cluster) / as.vector(table(cluster))
}
expected <- kmeans(x, x[1:5, ], iter.max = 25, algorithm = "Lloyd")
stopifnot(all(cluster == expected$cluster))
close_to(unname(centres), unname(expected$centers), 1e-12)

# The 5 nearest neighbours in the L1 distance, and what they vote for.
train <- matrix(runif(500 * 3), 500); label <- as.integer(train[, 1] > train[, 2]); test <- matrix(runif(100 * 3), 100)
found <- argKmin(sum(abs(Vi(test) - Vj(train))), 5, "j")
expected <- t(apply(test, 1, function(row) order(rowSums(abs(sweep(train, 2, row))))[1:5]))
stopifnot(all(found + 1 == expected))
votes <- rowMeans(matrix(label[found + 1], 100)) > 0.5
stopifnot(mean(votes == (test[, 1] > test[, 2])) > 0.85)

# In processes beside this one, forked or started anew.
F <- keops_kernel("Sum_Reduction(SqDist(x, y), 1)", c("x=Vi(3)", "y=Vj(3)"))
expected <- F(list(test, train))
for (result in parallel::mclapply(1:2, function(k) F(list(test, train)), mc.cores = 2)) {
  close_to(result, expected, 0)
}
cluster <- parallel::makePSOCKcluster(1)
parallel::clusterExport(cluster, c("test", "train"))
result <- parallel::clusterCall(cluster, function(F) F(list(test, train)), F)[[1]]
parallel::stopCluster(cluster)
close_to(result, expected, 0)
file <- tempfile()
saveRDS(F, file)
close_to(readRDS(file)(list(test, train)), expected, 0)
