using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace Agents;

/// <summary>Asks an agent and shows what it does.</summary>
internal static class Conversation
{
    /// <summary>Asks once: each call and its result on a line, then the answer.</summary>
    /// <returns>How many calls the agent has made.</returns>
    public static async Task<int> AskAsync(AIAgent agent, string question, TextWriter output, CancellationToken cancellation)
    {
        int calls = 0;
        string answer = "";
        await foreach (AgentResponseUpdate update in agent.RunStreamingAsync(question, cancellationToken: cancellation))
        {
            foreach (AIContent content in update.Contents)
            {
                switch (content)
                {
                    case FunctionCallContent call:
                        calls++;
                        string arguments = string.Join(", ", (call.Arguments ?? new Dictionary<string, object?>()).Select(
                            argument => $"{argument.Key}: {argument.Value}"));
                        await output.WriteLineAsync($"{agent.Name} calls {call.Name}({arguments})");
                        break;
                    case FunctionResultContent result:
                        await output.WriteLineAsync($"  and is told: {TextOf(result.Result)}");
                        break;
                    case TextContent text:
                        answer += text.Text;
                        break;
                }
            }
        }

        await output.WriteLineAsync($"{agent.Name}: {answer}");
        return calls;
    }

    /// <summary>What a tool has said.</summary>
    public static string? TextOf(object? result) => result is TextContent text ? text.Text : result?.ToString();
}
