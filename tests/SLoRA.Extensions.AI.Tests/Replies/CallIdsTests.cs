using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>Each call of an answer has an id of its own, whatever ids the model wrote.</summary>
public sealed class CallIdsTests
{
    [Test]
    public void Ids_that_a_model_takes_in_advance_are_each_looked_at_once()
    {
        const int Calls = 500;
        int made = 0;
        var ids = CallIds.Kimi with
        {
            New = (function, index) =>
            {
                made++;
                return CallIds.Kimi.New(function, index);
            },
        };

        // First the ids that the later calls would get, then one of them again and again.
        var used = new HashSet<string>(StringComparer.Ordinal);
        int tried = 0;
        for (int i = 0; i < 2 * Calls; i++)
        {
            string written = $"functions.f:{Calls + (i < Calls ? i : 0)}";
            Assert.That(used.Add(ids.Of(new ToolCall("f", "{}", written), i, ref tried, used)), Is.True);
        }

        Assert.That(made, Is.EqualTo(2 * Calls), "the ids that are taken, and the free ones behind them");
    }

    [Test]
    public void Calls_without_ids_are_counted_from_zero()
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        int tried = 0;
        for (int i = 0; i < 3; i++)
        {
            Assert.That(CallIds.Kimi.Of(new ToolCall("f", "{}", null), i, ref tried, used), Is.EqualTo($"functions.f:{i}"));
            used.Add($"functions.f:{i}");
        }
    }
}
