using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Tests.Conformance;

/// <summary>
/// Answers cannot be kept to a form yet, and what is not kept is not promised: each of these shapes is refused by name, and nothing is
/// asked of the engine.
/// </summary>
public sealed class StructuredOutputConformanceTests
{
    private readonly ConformanceModel _model = new();

    [Test]
    public Task GetResponseAsync_StructuredOutput() => AssertRefusedAsync<Person>();

    [Test]
    public Task GetResponseAsync_StructuredOutputArray() => AssertRefusedAsync<Person[]>();

    [Test]
    public Task GetResponseAsync_StructuredOutputInteger() => AssertRefusedAsync<int>();

    [Test]
    public Task GetResponseAsync_StructuredOutputString() => AssertRefusedAsync<string>();

    [TestCase(TestName = "GetResponseAsync_StructuredOutputBool_True")]
    [TestCase(TestName = "GetResponseAsync_StructuredOutputBool_False")]
    public Task GetResponseAsync_StructuredOutputBool() => AssertRefusedAsync<bool>();

    [Test]
    public Task GetResponseAsync_StructuredOutputEnum() => AssertRefusedAsync<JobType>();

    [Test]
    public Task GetResponseAsync_StructuredOutput_WithFunctions() =>
        AssertRefusedAsync<Person>(new ChatOptions { Tools = [AIFunctionFactory.Create((int id) => id, "GetPersonById")] });

    [Test]
    public Task GetResponseAsync_StructuredOutput_NonNative() => AssertRefusedAsync<Person>(isNative: false);

    private async Task AssertRefusedAsync<T>(ChatOptions? options = null, bool isNative = true)
    {
        using var client = new FunctionInvokingChatClient(_model.Client);
        InvalidRequestException? error = await Assert.ThrowsAsync<InvalidRequestException>(
            () => client.GetResponseAsync<T>("Who is it?", options, useJsonSchemaResponseFormat: isNative));
        Assert.That(error!.Parameter, Is.EqualTo("ResponseFormat"));
        Assert.That(_model.Calls, Is.Zero);
    }

    private enum JobType
    {
        Wombat,
        Programmer,
    }

    private sealed record Person(string? FullName, int AgeInYears, JobType Job);
}
