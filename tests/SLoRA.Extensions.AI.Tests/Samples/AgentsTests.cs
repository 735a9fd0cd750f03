using Agents;
using Microsoft.Agents.AI;
using SLoRA.Extensions.AI.Tests.Chat;

namespace SLoRA.Extensions.AI.Tests.Samples;

/// <summary>The agents of <c>samples/Agents</c> with a model that does call tools: what it writes is written down.</summary>
public sealed class AgentsTests
{
    private static readonly TimeProvider LabourDay = new FixedClock(new DateTimeOffset(2026, 5, 1, 9, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task An_agent_calls_a_function_and_then_the_tool_of_a_server_with_what_it_was_told()
    {
        ScriptedEngine engine = new(DemoModel.Tokenizer, Answer);
        await using Calendar calendar = await Calendar.StartAsync(CancellationToken.None);
        AIAgent agent = FrontDesk.Create(
            engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools).ForAdapter("bakery"), "bakery",
            [FrontDesk.Today(LabourDay), .. calendar.Tools]);
        var output = new StringWriter { NewLine = "\n" };
        int calls = await Conversation.AskAsync(agent, "Are you open today?", output, CancellationToken.None);

        Assert.That(calls, Is.EqualTo(2));
        Assert.That(output.ToString(), Is.EqualTo(
            """
            bakery calls today()
              and is told: 2026-05-01
            bakery calls holiday_on(date: 2026-05-01)
              and is told: Labour Day
            bakery: We are closed: Labour Day.

            """.ReplaceLineEndings("\n")));
        Assert.That(engine.Requests.Select(request => request.Adapter), Is.EqualTo(["bakery", "bakery", "bakery"]));
        Assert.That(engine.Prompts[0], Does.Contain("\"name\": \"today\"").And.Contain("\"name\": \"holiday_on\""));
        Assert.That(engine.Prompts[0], Does.Contain("You answer at the front desk."));
    }

    [Test]
    public async Task A_date_that_is_none_is_told_to_the_agent()
    {
        ScriptedEngine engine = new(
            DemoModel.Tokenizer,
            prompt => prompt.Contains("is no date", StringComparison.Ordinal)
                ? "I do not know." : Call("holiday_on", """{"date": "May"}"""));
        await using Calendar calendar = await Calendar.StartAsync(CancellationToken.None);
        AIAgent agent = FrontDesk.Create(
            engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools), "bakery", calendar.Tools);
        AgentResponse response = await agent.RunAsync("Is May a holiday?");
        Assert.That(response.Text, Is.EqualTo("I do not know."));
    }

    [Test]
    public async Task Agents_of_different_adapters_share_one_client()
    {
        ScriptedEngine engine = new(DemoModel.Tokenizer, _ => "Yes.");
        LoraChatClient client = engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools);
        string[] tenants = ["bakery", "hotel"];
        foreach (string tenant in tenants)
        {
            await FrontDesk.Create(client.ForAdapter(tenant), tenant).RunAsync("Are you open?");
        }

        Assert.That(engine.Requests.Select(request => request.Adapter), Is.EqualTo(tenants));
        Assert.That(engine.Prompts, Has.None.Contains("front desk"), "an agent without tools has no instructions about them");
    }

    private static string Answer(string prompt) =>
        prompt.Contains("Labour Day", StringComparison.Ordinal) ? "We are closed: Labour Day."
        : prompt.Contains("2026-05-01<", StringComparison.Ordinal) ? Call("holiday_on", """{"date": "2026-05-01"}""")
        : Call("today", "{}");

    private static string Call(string name, string arguments) =>
        $"<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>";

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
