using NUnit.Framework;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Step;

[Parallelizable(ParallelScope.All)]
public sealed class StepPlanTests
{
    [Test]
    public void A_slice_says_where_its_positions_and_where_its_states_are()
    {
        // Longer tables than there is room for at first.
        var plan = new StepPlan(8, 8, pageCount: 3);
        plan.AddSlice([1, 2, 3], 4, [10, 11], 1, [20, 21, 22]);
        plan.AddSlice([5], 0, [12], 0);
        plan.AddSlice([6], 0, [13], 1, [23]);

        Assert.That(
            plan.Slices.ToArray().Select(slice => plan.PageTables.Slice(slice.TableStart, slice.TableLength).ToArray()),
            Is.EqualTo(new int[][] { [10, 11], [12], [13] }));
        Assert.That(
            plan.Slices.ToArray().Select(slice => plan.StatePages(slice).ToArray()),
            Is.EqualTo(new int[][] { [20, 21, 22], [], [23] }));

        plan.Clear();
        plan.AddSlice([7], 0, [14], 0, [24]);
        Assert.That(plan.StatePages(plan.Slices[0]).ToArray(), Is.EqualTo(new[] { 24 }));
    }
}
