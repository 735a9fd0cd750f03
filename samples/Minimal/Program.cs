using SLoRA;
using SLoRA.Text;

ModelTokenizer tokenizer = ModelTokenizer.Load("samples/models/frontdesk/model");
await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
    .UseModel("samples/models/frontdesk/model").AddAdapter("bakery", "samples/models/frontdesk/adapters/bakery").BuildAsync();
int[] prompt = tokenizer.EncodeChat([new TemplateMessage("user", "When are you open?")]);
TextStream text = tokenizer.CreateStream(prompt);
await foreach (GeneratedToken token in engine.GenerateAsync(new GenerationRequest { Prompt = prompt, Adapter = "bakery" }))
{
    Console.Out.Write(text.Append(token.Id));
}

Console.Out.WriteLine(text.Finish());
