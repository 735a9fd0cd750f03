using NUnit.Framework;
using SLoRA.Engine;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Every kind of wrong book is found: each test takes right books and breaks one thing.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class InvariantValidatorTests
{
    private static readonly EngineSnapshot Right = new(
        new PoolSnapshot([1, 2, 0, 0], [2, 3], 1),
        [new OwnerSnapshot("sequence", [0, 1], 1)],
        [new OwnerSnapshot("generation", [1], 0)]);

    [Test]
    public void Right_books_pass() => Assert.That(InvariantValidator.Violations(Right), Is.Empty);

    [Test]
    public void A_page_that_nobody_says_to_own_is_found() => Finds(Right with { Generations = [] }, "Page 1 has 1 owners");

    [Test]
    public void A_free_page_in_a_page_table_is_found() =>
        Finds(Right with { Sequences = [new OwnerSnapshot("sequence", [0, 1, 2], 1)] }, "Page 2 has 1 owners");

    [Test]
    public void A_page_that_does_not_exist_is_found() =>
        Finds(Right with { Sequences = [new OwnerSnapshot("sequence", [0, 1, 4], 1)] }, "page 4, which does not exist");

    [Test]
    public void A_page_that_is_free_twice_is_found() => Finds(Right with { Pool = Right.Pool with { Free = [2, 2] } }, "free list twice");

    [Test]
    public void An_owned_page_on_the_free_list_is_found() => Finds(Right with { Pool = Right.Pool with { Free = [2, 0] } }, "free list and owned");

    [Test]
    public void A_lost_page_is_found() => Finds(Right with { Pool = Right.Pool with { Free = [2] } }, "2 pages have no owner, 1 are on the free list");

    [Test]
    public void A_forgotten_promise_is_found() => Finds(Right with { Pool = Right.Pool with { Reserved = 2 } }, "promised 1 pages");

    private static void Finds(EngineSnapshot snapshot, string violation)
    {
        Assert.That(InvariantValidator.Violations(snapshot), Has.Some.Contains(violation));
        Assert.That(() => InvariantValidator.ThrowIfViolated(snapshot), Throws.InvalidOperationException.With.Message.Contains(violation));
    }
}
